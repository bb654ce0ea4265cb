# services.runbook: a worker, and a Temporal server of one file for it, in a guest or on any machine of yours. docs/nixos.md
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkEnableOption mkIf mkMerge mkOption optionals optionalAttrs types;
  cfg = config.services.runbook;
  # Goes into a unit's command line or environment, where systemd gives these characters a meaning.
  word = types.strMatching "[^[:space:]%\"'\\$]+";
  # Not in the store, which everybody can read: a secret is given by the name of its file.
  file = types.strMatching "/[^[:space:]%\"'\\$]+";
  home = "/var/lib/runbook";
  attributes = [ "RunbookName" "RunbookSubject" "RunbookPhase" "RunbookOutcome" ];

  # What neither of the two needs. V8 makes its code as it runs, so MemoryDenyWriteExecute stays off.
  hardened = {
    CapabilityBoundingSet = "";
    LockPersonality = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectSystem = "strict";
    RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" "AF_NETLINK" ];
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    # V8 asks for protection keys when it starts.
    SystemCallFilter = [ "@system-service" "@pkey" ];
    UMask = "0077";
  };
in
{
  options.services.runbook = {
    program = mkOption {
      type = file;
      default = "${home}/npm/bin/runbook";
      description = "The program runbook, as npm installs it.";
    };

    worker = {
      enable = mkEnableOption "a worker of runbook";
      monorepo = mkOption {
        type = file;
        default = "${home}/monorepo";
        description = "The worker's own clone of the monorepo. It fetches into it.";
      };
      address = mkOption {
        type = word;
        default = "127.0.0.1:7233";
        description = "Where Temporal is.";
      };
      namespace = mkOption {
        type = word;
        default = "default";
        description = "The namespace of Temporal.";
      };
      metrics = mkOption {
        type = types.nullOr word;
        default = null;
        example = "127.0.0.1:9464";
        description = "Where metrics are served for Prometheus.";
      };
      sshKeyFile = mkOption {
        type = types.nullOr file;
        default = null;
        example = "/run/secrets/runbook-ssh-key";
        description = "The key that members let in, readable for the user runbook alone.";
      };
      codecKeysFile = mkOption {
        type = types.nullOr file;
        default = null;
        example = "/run/secrets/runbook-codec-keys";
        description = "Keys that encrypt what Temporal keeps, readable for the user runbook alone.";
      };
      tls = {
        caFile = mkOption {
          type = types.nullOr file;
          default = null;
          description = "The certificate of the CA of Temporal's own.";
        };
        certFile = mkOption {
          type = types.nullOr file;
          default = null;
          description = "The worker's certificate, where Temporal asks for one.";
        };
        keyFile = mkOption {
          type = types.nullOr file;
          default = null;
          description = "Its key, readable for the user runbook alone.";
        };
      };
      packages = mkOption {
        type = types.listOf types.package;
        default = [ ];
        description = "Programs that the worker needs besides those of every worker: pkgs.sops, pkgs.age, pkgs.opentofu.";
      };
    };

    temporal = {
      enable = mkEnableOption "a Temporal server whose data are one file, with its Web UI";
      ip = mkOption {
        type = word;
        default = "127.0.0.1";
        description = "Where it listens. Whoever reaches it may start and cancel runs.";
      };
      port = mkOption {
        type = types.port;
        default = 7233;
        description = "Its port. That of the Web UI is a thousand above.";
      };
    };
  };

  config = mkMerge [
    (mkIf (cfg.worker.enable || cfg.temporal.enable) {
      users.users.runbook = {
        isSystemUser = true;
        group = "runbook";
        inherit home;
        createHome = true;
        homeMode = "0700";
      };
      users.groups.runbook = { };
    })

    (mkIf cfg.worker.enable {
      assertions = [
        {
          assertion = (cfg.worker.tls.certFile == null) == (cfg.worker.tls.keyFile == null);
          message = "services.runbook.worker.tls: certFile and keyFile go together.";
        }
      ];
      systemd.tmpfiles.rules = optionals (cfg.worker.sshKeyFile != null) [
        "d ${home}/.ssh 0700 runbook runbook -"
        "L+ ${home}/.ssh/id_ed25519 - - - - ${cfg.worker.sshKeyFile}"
      ];
      systemd.services.runbook-worker = {
        description = "runbook worker";
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ] ++ optionals cfg.temporal.enable [ "runbook-temporal.service" ];
        wantedBy = [ "multi-user.target" ];
        path = [
          pkgs.bash
          pkgs.gnutar
          pkgs.gzip
          pkgs.nodejs
          pkgs.openssh
          pkgs.git
          pkgs.nix
          pkgs.deploy-rs
          pkgs.util-linux
        ]
        ++ cfg.worker.packages;
        environment = {
          HOME = home;
          RUNBOOK_STATE = "${home}/state";
          NIX_CONFIG = "experimental-features = nix-command flakes";
          TEMPORAL_ADDRESS = cfg.worker.address;
          TEMPORAL_NAMESPACE = cfg.worker.namespace;
        }
        // optionalAttrs (cfg.worker.codecKeysFile != null) { RUNBOOK_CODEC_KEYS = cfg.worker.codecKeysFile; }
        // optionalAttrs (cfg.worker.tls.caFile != null) { TEMPORAL_TLS_SERVER_CA_CERT_PATH = cfg.worker.tls.caFile; }
        // optionalAttrs (cfg.worker.tls.certFile != null) {
          TEMPORAL_TLS_CLIENT_CERT_PATH = cfg.worker.tls.certFile;
          TEMPORAL_TLS_CLIENT_KEY_PATH = cfg.worker.tls.keyFile;
        };
        serviceConfig = hardened // {
          User = "runbook";
          Group = "runbook";
          WorkingDirectory = cfg.worker.monorepo;
          ReadWritePaths = [ home cfg.worker.monorepo "/tmp" "/var/tmp" ];
          ExecStart =
            "${cfg.program} worker" + (if cfg.worker.metrics == null then "" else " --metrics ${cfg.worker.metrics}");
          Restart = "always";
          RestartSec = 5;
          # A deployment outlives the worker and is adopted by the next: systemd must not end it with the service, nor take
          # its temporary files away, as PrivateTmp would.
          KillMode = "process";
          TimeoutStopSec = 60;
        };
      };
    })

    (mkIf cfg.temporal.enable {
      systemd.services.runbook-temporal = {
        description = "Temporal, for runbook";
        after = [ "network.target" ];
        wantedBy = [ "multi-user.target" ];
        serviceConfig = hardened // {
          User = "runbook";
          Group = "runbook";
          StateDirectory = "runbook-temporal";
          StateDirectoryMode = "0700";
          PrivateTmp = true;
          ExecStart = builtins.concatStringsSep " " (
            [
              "${pkgs.temporal-cli}/bin/temporal server start-dev"
              "--db-filename /var/lib/runbook-temporal/temporal.db"
              "--ip ${cfg.temporal.ip} --port ${toString cfg.temporal.port} --ui-port ${toString (cfg.temporal.port + 1000)}"
              "--log-format json --log-level warn"
            ]
            ++ map (name: "--search-attribute ${name}=Keyword") attributes
          );
          Restart = "always";
          RestartSec = 5;
        };
      };
    })
  ];
}
