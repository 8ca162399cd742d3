# Node 24 is the newest line that the Temporal SDK's own CI runs on (20 to 24; 1.24 asks for 20.3 or later).
# Debian and not Alpine: the SDK's native part is built against glibc.
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
# The SDK's native part comes for five platforms: the image needs its own only.
RUN npm ci --omit=dev --no-audit --no-fund \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM ${NODE_IMAGE}
# The SDK's TLS to Temporal (Cloud, or a server of your own) uses the system's roots, which a slim image lacks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
STOPSIGNAL SIGTERM
# No HEALTHCHECK: the worker serves nobody. It ends when it cannot go on, and is to be restarted then; whether it
# gets on shows in its metrics (METRICS_PORT) and in Temporal's Web UI, as the task queue's pollers.
CMD ["node", "dist/src/worker.js"]
