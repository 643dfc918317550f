"""The web server: gunicorn's own ASGI worker, one event loop per process."""

from __future__ import annotations

import os

from config import env, logs
from config.supervisor.child import die_with_parent

bind = [f"{env.text('HOST', '127.0.0.1')}:{env.integer('PORT', 8000, low=1, high=65535)}"]
worker_class = "asgi"
workers = env.integer("WEB_WORKERS", 1, low=1, high=64)
worker_connections = 1000
preload_app = False  # the master stays small; a worker that must be replaced loads the code that is there now
timeout = 60
graceful_timeout = 3  # live streams reconnect by themselves
keepalive = 15
control_socket_disable = True
asgi_lifespan = "off"
forwarded_allow_ips = ""  # config.middleware.ProxyMiddleware alone decides whom to believe
logger_class = "config.gunicorn_log.GunicornLogger"
logconfig_dict = logs.logging_config(env.text("LOG_LEVEL", "INFO", choices=logs.LEVELS), env.text("LOG_FORMAT", "auto", choices=logs.FORMATS))
loglevel = env.text("LOG_LEVEL", "INFO", choices=logs.LEVELS).lower()


def post_fork(server: object, worker: object) -> None:
    """A worker never outlives its master, however that ended."""
    if arm := die_with_parent(os.getppid()):
        arm()


def post_worker_init(worker: object) -> None:
    """The application is loaded and nothing is answered yet."""
    from config import warm

    warm.up()
