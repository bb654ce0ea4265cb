{ config, ... }:
{
  imports = [ ../common.nix ];
  networking.hostName = "metrics-vm";
  sops.defaultSopsFile = ../../secrets/metrics.enc.yaml;
  sops.secrets.grafana-admin = { };
  services.prometheus.enable = true;
  services.loki.enable = true;
  services.grafana = {
    enable = true;
    settings.security.admin_password = "$__file{${config.sops.secrets.grafana-admin.path}}";
  };
}
