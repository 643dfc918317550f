"""`layout.TABLES` for compiled code: each name here is a function of the memory block's address."""

from __future__ import annotations

from .jit import table

box, error = table("box"), table("error")
colours, use, packed, rgb, lights = table("colours"), table("use"), table("packed"), table("rgb"), table("lights")
near, around, apart, reach, slopes = table("near"), table("around"), table("apart"), table("reach"), table("slopes")
counts, sums, cells, weights, keys = table("counts"), table("sums"), table("cells"), table("weights"), table("keys")
hints, lut, pairs = table("hints"), table("lut"), table("pairs")
totals, errors, worst, at, ranks = table("totals"), table("errors"), table("worst"), table("at"), table("ranks")
order, spare, starts, ends, axis, mean = table("order"), table("spare"), table("starts"), table("ends"), table("axis"), table("mean")
found, turned, chosen, factors, leaning, able = (table(name) for name in ("found", "turned", "chosen", "factors", "leaning", "able"))
known, onward, limits, lzw, costs, wrong = (table(name) for name in ("known", "onward", "limits", "lzw", "costs", "wrong"))
