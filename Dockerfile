# copain and FCEUX on Debian; docs/guides/docker.md says how to use them.
#
#   docker build -t copain .
#   docker run --rm copain
#
# No Docker at hand? ./test fresh runs these steps in a new Debian, as far as chroot can.

FROM debian:bookworm-slim AS build

# A Debian release has one version of a package, the newest: one that is pinned here is soon gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
# The versions that the tests passed with, for what is installed and for what builds it.
ENV PIP_CONSTRAINT=/build/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/copain

# What copain needs comes before copain, so that a change in its code does not fetch it again.
# EXTRAS are those of pyproject.toml; PACKAGES are Python packages of your own ("torch lz4").
ARG EXTRAS=cores,render,play
ARG PACKAGES=""
COPY pyproject.toml tools/constraints.txt tools/requirements.py ./
RUN python3 requirements.py "$EXTRAS" >requirements.txt \
    && /opt/copain/bin/pip install -r requirements.txt $PACKAGES

COPY CMakeLists.txt LICENSE README.md ./
COPY native native
COPY src src
RUN /opt/copain/bin/pip install --no-deps .

FROM debian:bookworm-slim

# lua-socket is for FCEUX over TCP; lua5.1 is the Lua that FCEUX speaks, for trying scripts.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        fceux lua-socket lua5.1 python3 tini xvfb \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 player \
    && install -d -o player -g player /games

COPY --from=build /opt/copain /opt/copain
# The driver's parts that --gpus brings in: CUDA, and nvidia-smi.
ENV PATH=/opt/copain/bin:/usr/games:$PATH \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

USER 1000
WORKDIR /games
# tini as the first process hands on the signals of docker stop, which Python in its place ignores.
ENTRYPOINT ["tini", "--"]
CMD ["copain", "doctor"]
