# A builder image for repositories that hold nothing but migrations. From the top of this one:
#
#     docker build -f docs/deploy/Dockerfile.builder -t registry.example/migrate-builder:0.1.0 .
#
# docs/install.md shows the Dockerfile of such a repository. The first stage builds the tools, and all that it takes stays
# there; the second has what `make install` puts in place and the packages that building a project takes.
FROM debian:bookworm-slim AS tools
RUN apt-get update && apt-get install -y --no-install-recommends make
WORKDIR /src
COPY Makefile ./
RUN make deps-build
COPY gen gen
COPY runtime runtime
COPY migrations migrations
RUN make install DESTDIR=/staged PREFIX=/usr/local

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    gcc libc6-dev make xxd \
    libpq-dev postgresql-server-dev-15 libsqlite3-dev libssl-dev libjansson-dev libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=tools /staged/ /
WORKDIR /project
RUN chown 65532:65532 /project
USER 65532:65532
