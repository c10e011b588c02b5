# One image for every role of ours: load, exporters, recorder, and the stand-in shop. The command chooses the role.
# Built twice from the same base: what builds stays behind, so no compiler, pip or development tool is in the image.

FROM docker.io/library/debian:bookworm-slim AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates >/dev/null \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock pyproject.toml ./
# Exact versions with hashes, as everywhere: uv by pip, the rest by uv, which holds constraints to their hashes.
# A network with a certificate authority of its own gives it as the secret `ca`; it is never part of a layer.
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca PIP_CERT=/run/secrets/ca; fi; \
    awk '/^[^ ]/ {own = /^uv==/} own' requirements.lock > uv.txt \
 && python3 -m venv /build \
 && /build/bin/pip install -q --no-cache-dir --require-hashes -r uv.txt \
 && /build/bin/uv pip install -q --no-cache --python /build/bin/python --constraints requirements.lock hatchling \
 && python3 -m venv --without-pip /opt/peakproof \
 && /build/bin/uv pip install -q --no-cache --compile-bytecode --python /opt/peakproof/bin/python \
      --constraints requirements.lock --extra sql -r pyproject.toml
COPY README.md LICENSE peakproof_command.py ./
COPY slo slo
COPY loadtests loadtests
COPY exporters exporters
COPY dashboards dashboards
COPY scripts scripts
COPY staging staging
COPY peakproof peakproof
RUN /build/bin/pip wheel -q --no-cache-dir --no-deps --no-build-isolation --no-index -w /wheel . \
 && /build/bin/uv pip install -q --no-cache --offline --no-deps --compile-bytecode \
      --python /opt/peakproof/bin/python /wheel/*.whl

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3 ca-certificates openssh-client >/dev/null \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin peakproof \
 # A new volume takes these owners over, so that nobody needs root to write into it.
 && mkdir -p /srv/peakproof/runs /data && chown 10001:10001 /srv/peakproof/runs /data
COPY --from=build /opt/peakproof /opt/peakproof
ENV PATH=/opt/peakproof/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 10001:10001
WORKDIR /srv/peakproof
CMD ["peakproof", "--help"]
