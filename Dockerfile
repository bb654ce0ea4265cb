# runbook with all that a worker needs in its PATH: ssh, git, nix with flakes, deploy-rs, sops, age, terraform.
# Versions are those that the tests run; Debian's packages are of one release. Built by docker-compose.yml.
FROM golang:1.26.8-trixie AS go
ENV CGO_ENABLED=0 GOBIN=/out
RUN go install -trimpath github.com/getsops/sops/v3/cmd/sops@v3.12.2 && \
    go install -trimpath github.com/hashicorp/terraform@v1.5.7

FROM rust:1.90.0-trixie AS rust
RUN cargo install deploy-rs --version 1.0.0 --locked --root /out

FROM node:20.20.2-trixie AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# What the package has, with the dependencies of the lock file and no others.
RUN npm pack --pack-destination /tmp && mkdir /out && tar -xzf /tmp/runbook-*.tgz -C /out --strip-components=1 && \
    cp package-lock.json .npmrc /out && cd /out && npm ci --omit=dev

FROM node:20.20.2-trixie-slim
RUN apt-get update && \
    apt-get install --yes --no-install-recommends age ca-certificates git nix-bin openssh-client util-linux && \
    rm -rf /var/lib/apt/lists/*
COPY --from=go /out/ /usr/local/bin/
COPY --from=rust /out/bin/deploy /usr/local/bin/
COPY --from=build /out/ /usr/local/lib/node_modules/runbook/
RUN ln -s ../lib/node_modules/runbook/dist/cli/main.js /usr/local/bin/runbook

# ssh wants a user that the system knows. Without build users nix builds as this one, in a store of its own.
ARG RUNBOOK_UID=1000
RUN if [ "$RUNBOOK_UID" -eq 0 ]; then \
      echo 'RUNBOOK_UID is 0: the image runs as a user other than root; say its number in .env.' >&2; exit 1; \
    fi && \
    userdel --remove node && \
    useradd --uid "$RUNBOOK_UID" --create-home --shell /bin/sh runbook && \
    install --directory --owner=runbook --mode=0700 /var/lib/runbook /home/runbook/.ssh && \
    install --directory --owner=runbook /nix /monorepo && \
    printf '%s\n' 'experimental-features = nix-command flakes' 'sandbox = false' 'build-users-group =' \
      >/etc/nix/nix.conf
ENV NODE_ENV=production RUNBOOK_STATE=/var/lib/runbook
USER runbook
WORKDIR /monorepo
ENTRYPOINT ["runbook"]
CMD ["worker"]
