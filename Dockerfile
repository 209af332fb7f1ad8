# Starsend's daemon. Projects lie on a volume, the root file system may be read-only:
#
#   docker build -t starsend .
#   docker run --read-only --tmpfs /tmp --env-file keys.env -v /srv/starsend/projects:/srv/starsend/projects starsend
#
# With the web page, for others to reach by a name (the token: STARSEND_CONSOLE_TOKEN in keys.env; docs/console.md):
#
#   docker run ... -p 8620:8620 -e STARSEND_CONSOLE__HOST=0.0.0.0 -e STARSEND_CONSOLE__HOSTS='["starsend.studio.example"]' starsend daemon --console
#
# /metrics and /healthz listen on the container's loopback; STARSEND_DAEMON__HOST=0.0.0.0 opens them to its network.

FROM python:3.13-slim-bookworm AS builder
WORKDIR /build
COPY pyproject.toml constraints.txt README.md ./
COPY starsend starsend
COPY client_async client_async
# Every dependency comes as a wheel, so nothing is compiled and no compiler is needed.
RUN python -m venv /opt/starsend \
    && /opt/starsend/bin/pip install --no-cache-dir -c constraints.txt ".[postgresql]"

FROM python:3.13-slim-bookworm AS runtime
LABEL org.opencontainers.image.title="starsend" \
      org.opencontainers.image.description="Client sequences from brief to dailies, every paid call accounted for"
COPY --from=builder /opt/starsend /opt/starsend
# A number, so that an orchestrator can check that it is not root; the volume must be writable for it.
RUN install -d -o 10001 -g 10001 /srv/starsend /srv/starsend/projects
ENV PATH=/opt/starsend/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STARSEND_ROOT=/srv/starsend
USER 10001:10001
WORKDIR /srv/starsend
VOLUME /srv/starsend/projects
EXPOSE 9464 8620
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["starsend"]
CMD ["daemon"]
