# An image of `countersign`: no shell, no package manager, no root, nothing written to its own file system.
#
#   docker build -t countersign --build-arg RUNTIME_IMAGE=REGISTRY/distroless/nodejs24-debian12:nonroot .
#
# Both images are named without a registry and without a digest: docs/operations.md says how to pin them.
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=distroless/nodejs24-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json tsconfig.base.json ./
COPY packages/countersign/package.json packages/countersign/
COPY packages/server/package.json packages/server/
COPY conformance/package.json conformance/
COPY bench/package.json bench/
# Install scripts of dependencies do not run.
RUN ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
COPY packages packages
RUN ["npm", "run", "build"]
RUN ["npm", "pack", "--workspace", "countersign", "--workspace", "@countersign/server", "--pack-destination", "/src"]
WORKDIR /app
# As anybody installs it: the two packages, and what they depend on.
RUN ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--omit=peer", "/src/countersign-0.1.0.tgz", "/src/countersign-server-0.1.0.tgz"]

FROM ${RUNTIME_IMAGE}
COPY --from=build /app /app
ENV NODE_ENV=production COUNTERSIGN_DATA=/data
# The user `nonroot` of distroless images. /data is for SQLite alone, and has to be a volume of this user's.
USER 65532:65532
EXPOSE 50051 8000
ENTRYPOINT ["/nodejs/bin/node", "/app/node_modules/@countersign/server/bin/countersign.js"]
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/nodejs/bin/node", "/app/node_modules/@countersign/server/bin/countersign.js", "health"]
