"""The arguments that keep ffmpeg to what it was asked: one descriptor, one demuxer, known codecs, bounded sizes."""

from __future__ import annotations

import os
from typing import Any

from .limits import Limits
from .media import Media

MAX_THREADS = 16
DECODING_PIXELS = 5_000_000
"""Pixels that a decoder may have in work at once, one picture in each thread; 2 pictures of 1080p."""

DECODERS = (
    # pictures that move
    "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,mpeg2video,mpeg1video,h263,h263p,flv,"
    "msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,theora,vp6,vp6f,vp6a,svq1,svq3,cinepak,rpza,qtrle,prores,"
    "dnxhd,cfhd,ffv1,huffyuv,ffvhuff,utvideo,magicyuv,rawvideo,v210,v308,v408,v410,r210,yuv4,dvvideo,mjpeg,mjpegb,"
    "jpeg2000,libopenjpeg,rle,msrle,zlib,wrapped_avframe,"
    # pictures
    "gif,png,apng,bmp,tiff,webp,webp_anim,libjxl,libjxl_anim,jpegls,"
    # sound
    "aac,aac_fixed,aac_latm,libfdk_aac,mp3,mp3float,mp2,mp2float,mp1,mp1float,ac3,ac3_fixed,eac3,dca,truehd,mlp,"
    "opus,libopus,vorbis,libvorbis,flac,alac,wmav1,wmav2,wmapro,wmalossless,wmavoice,amrnb,amrwb,libopencore_amrnb,"
    "libopencore_amrwb,libvo_amrwbenc,speex,libspeex,nellymoser,qdm2,qdmc,mace3,mace6,adpcm_ms,adpcm_ima_wav,"
    "adpcm_ima_qt,adpcm_swf,adpcm_yamaha,adpcm_g722,adpcm_g726,g729,gsm,gsm_ms,ape,wavpack,tta,tak,"
    "pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_u16le,pcm_u16be,pcm_s24le,pcm_s24be,pcm_u24le,pcm_u24be,pcm_s32le,"
    "pcm_s32be,pcm_u32le,pcm_u32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_s16le_planar,"
    "pcm_s24daud,pcm_bluray,pcm_dvd,pcm_lxf"
)
"""Decoders that may run on an upload: what people have, not everything ever written."""

WORK_DEMUXERS = "mov,matroska,gif,rawvideo,image2,png_pipe,wav,s16le,nut,concat,mpegts,yuv4mpegpipe,ffmetadata,srt,ass,flac,ogg,mp3,aiff"


def general(limits: Limits, progress: str) -> tuple[str, ...]:
    """Before everything else."""
    return (
        *("-nostdin", "-hide_banner", "-nostats", "-y", "-loglevel", "repeat+level+warning"),
        *("-progress", progress, "-stats_period", "0.25", "-max_alloc", str(1 << 30)),
        *_filter_threads(limits),
    )


def upload(media: Media, limits: Limits) -> tuple[str, ...]:
    """Before an input that somebody sent: it is read through a descriptor and can name nothing else."""
    return (
        *("-protocol_whitelist", "fd", "-format_whitelist", media.demuxer, "-codec_whitelist", DECODERS),
        *("-max_streams", str(limits.max_streams or 1000), *_pixels(limits), *_decoding(media, limits), "-f", media.demuxer),
    )


def reader(media: Media, limits: Limits) -> dict[str, Any]:
    """The same for a child of ours that reads an upload with PyAV: its demuxer, its options and its threads."""
    options = {"codec_whitelist": DECODERS, "max_streams": str(limits.max_streams or 1000), "protocol_whitelist": "fd"}
    return {"demuxer": media.demuxer, "options": options, "threads": min(4, _count(limits) or os.cpu_count() or 1)}


def work_file(limits: Limits) -> tuple[str, ...]:
    """Before an input that an earlier command made."""
    return ("-protocol_whitelist", "file", "-format_whitelist", WORK_DEMUXERS, *_threads(limits))


def output(limits: Limits) -> tuple[str, ...]:
    """At the beginning of the output's arguments, where an encoder that needs fewer threads can still say so."""
    return _threads(limits)


def _pixels(limits: Limits) -> tuple[str, ...]:
    return ("-max_pixels", str(limits.max_pixels)) if limits.max_pixels else ()


def _threads(limits: Limits) -> tuple[str, ...]:
    count = _count(limits)
    return ("-threads", str(count)) if count else ()


def _decoding(media: Media, limits: Limits) -> tuple[str, ...]:
    pixels = max((video.coded_width * video.coded_height for video in (media.video,) if video), default=0)
    # ffmpeg's own choice is one more than there are processors.
    wanted = _count(limits) or min(MAX_THREADS, (os.cpu_count() or 1) + 1)
    return ("-threads", str(min(wanted, max(2, DECODING_PIXELS // pixels)) if pixels else wanted))


def _filter_threads(limits: Limits) -> tuple[str, ...]:
    count = _count(limits)
    return ("-filter_threads", str(count), "-filter_complex_threads", str(count)) if count else ()


def _count(limits: Limits) -> int:
    """How many threads to ask for; 0 leaves it to ffmpeg, except where so many cores would eat the address space with stacks."""
    return limits.threads or (MAX_THREADS if (os.cpu_count() or 1) > MAX_THREADS else 0)
