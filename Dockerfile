# must-gather service: Node, oc, and what oc calls. Builds with docker, podman or buildah, from a clean checkout:
#   podman build -t must-gather-service:0.1.0 .

# oc 4.22 or later: earlier ones clean nothing up in the cluster when they are told to stop.
ARG OC_IMAGE=quay.io/openshift/origin-cli:4.22
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${OC_IMAGE} AS oc

FROM ${NODE_IMAGE} AS service
WORKDIR /opt/must-gather
COPY package.json package-lock.json LICENSE ./
# Without the second --omit npm brings the TypeScript compiler, which valibot can use and nobody here does.
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY machines machines
COPY src src
# A start and an end leave the compiled code behind, which src/code-cache.mjs finds: a start costs 0.2 s instead of 0.6, and 25 MB less stay.
RUN PORT=127.0.0.1:8080 WORK_PATH=/tmp/work JOURNAL_PATH=/tmp/journal NODE_COMPILE_CACHE=/opt/must-gather/code \
      timeout --preserve-status --signal=TERM 10 node src/main.ts
# Nothing in here is written at run time, and everybody may read it, whatever umask the checkout was made with.
RUN chmod -R a+rX,go-w .

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="must-gather-service" \
      org.opencontainers.image.description="oc adm must-gather as an HTTP service" \
      org.opencontainers.image.licenses="Apache-2.0"

# tini reaps orphans as process 1; oc copies with rsync and tar; the service calls ps and kill (procps) and fallocate (util-linux);
# oc is linked with Kerberos, and trusts the certificate authorities of the system. Some of these are in the base image too.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates coreutils gzip libgssapi-krb5-2 procps rsync tar tini util-linux \
 && rm -rf /var/lib/apt/lists/* \
 && rm -rf /usr/local/lib/node_modules /opt/yarn-* \
      /usr/local/bin/corepack /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/yarn /usr/local/bin/yarnpkg

COPY --from=oc /usr/bin/oc /usr/local/bin/oc
COPY --from=service /opt/must-gather /opt/must-gather

# A program that is missing, or an oc that lacks a library, ends the build here.
RUN for program in tini node oc rsync tar gzip ps kill fallocate; do test -x "$(which "$program")" || exit 1; done \
 && tini --version && oc version --client && oc adm must-gather --help > /dev/null

WORKDIR /opt/must-gather
# Deflate takes at most this less two threads, and no more than there are processors: the two read files and names.
# A small young generation costs no measurable time here and keeps some 20 MB less.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=2 \
    CODE_CACHE=/opt/must-gather/code \
    UV_THREADPOOL_SIZE=18
EXPOSE 8443 8080
# Any user and group will do, without a home: only /tmp (or WORK_PATH) and /dev/shm (or JOURNAL_PATH) are written.
USER 1001:0
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "--import", "./src/code-cache.mjs", "src/main.ts"]
