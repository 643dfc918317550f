# Cutroom as one image: the command decides which part runs (compose.yaml), or all of it (the default).
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --retries 10 --timeout 60 -r requirements.txt
COPY . .
RUN .venv/bin/python -m compileall -q config converter projects \
    && .venv/bin/python manage.py catalogues --compile \
    && .venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf var media/incoming

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin cutroom \
    && install -d -o cutroom -g cutroom -m 0700 /data/var /data/media
COPY --from=build /app /app
WORKDIR /app
USER cutroom
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    VAR_DIR=/data/var \
    MEDIA_ROOT=/data/media \
    GIF_KERNELS=/data/var/kernels \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_FORMAT=json
VOLUME ["/data/var", "/data/media"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-m", "config.supervisor.probe"]
# The GIF encoder's machine code is made for the processor that it runs on, at the first start; without it ffmpeg makes GIFs.
CMD ["sh", "-c", "python -m converter.engine.gif.warm \"$GIF_KERNELS\"; exec python -m config.supervisor"]
