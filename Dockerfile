# syntax=docker/dockerfile:1
# One image for every process of Sojourn: `docker run sojourn:local worker`, `… ingest`, `… status`.
# Debian, not Alpine: Temporal's native core is built for glibc.
ARG NODE=node:22.23.1-bookworm-slim

# Compiles the sources and bundles the workflows once, so that no worker does it at start.
FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages belong here: the compilers bring their binaries that way.
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# What runs needs: no compilers, no tests, no embedded ClickHouse.
FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${NODE}
# TLS to the servers is checked against these.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY migrations migrations
COPY dashboard/page dashboard/page
COPY collect/shop collect/shop
COPY --from=build /app/dist dist
USER node
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["--help"]
