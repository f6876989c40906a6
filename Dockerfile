# The desk as an image: code and dependencies, nothing that a run leaves behind. `make image` builds it without Docker.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt requirements-parquet.txt /build/
RUN python3 -m venv /opt/psynetdata/venv \
    && /opt/psynetdata/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r /build/requirements-parquet.txt

FROM ${BASE}
# ssh is how experiments on a lab's own server are reached.
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 ca-certificates openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 psynetdata \
    && useradd --uid 10001 --gid 10001 --home-dir /data/home --no-create-home --shell /usr/sbin/nologin psynetdata \
    && install -d -o 10001 -g 10001 /data /data/home
COPY --from=packages /opt/psynetdata/venv /opt/psynetdata/venv
COPY LICENSE manage.py /opt/psynetdata/
COPY psynetdata /opt/psynetdata/psynetdata
COPY exports /opt/psynetdata/exports
COPY templates /opt/psynetdata/templates
COPY docker/healthcheck.py /opt/psynetdata/docker/

# The root file system may be read-only: everything that is written is in /data.
ENV PATH=/opt/psynetdata/venv/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/data/home DATA_DIR=/data HOST=0.0.0.0 PORT=8000
WORKDIR /opt/psynetdata
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["python", "docker/healthcheck.py"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
