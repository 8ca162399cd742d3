# The newest Node that the Temporal SDK's own CI tests. Debian, as the SDK's native part is built against glibc.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The SDK ships its native part for five platforms; the image needs one.
RUN npm ci --omit=dev --no-audit --no-fund \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM ${NODE_IMAGE}
# TLS to Temporal uses the system's CA certificates, which a slim image lacks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The client: `docker compose exec worker lytics-gigya-export status`.
RUN ln -s /app/dist/src/client.js /usr/local/bin/lytics-gigya-export
USER node
STOPSIGNAL SIGTERM
# No HEALTHCHECK: the worker serves no requests, and exits when it cannot continue. Whether it makes progress shows
# in its metrics (METRICS_PORT) and in Temporal's Web UI (the task queue's pollers).
CMD ["node", "dist/src/worker.js"]
