# Pictures of what Prometheus and Loki have. It is there once this guest's file of secrets is, with grafana-password in it.
{ config, lib, ... }:
lib.mkIf (builtins.pathExists config.sops.defaultSopsFile) {
  # The container's user.
  sops.secrets.grafana-password.uid = 472;

  virtualisation.oci-containers.containers.grafana = {
    image = "docker.io/grafana/grafana:12";
    environment.GF_SECURITY_ADMIN_PASSWORD__FILE = "/run/secrets/grafana-password";
    volumes = [
      "${config.sops.secrets.grafana-password.path}:/run/secrets/grafana-password:ro"
      "${./datasources.yaml}:/etc/grafana/provisioning/datasources/datasources.yaml:ro"
      "/srv/metrics/grafana:/var/lib/grafana"
    ];
    extraOptions = [ "--network=host" ];
  };

  systemd.services.podman-grafana.unitConfig.RequiresMountsFor = "/srv/metrics";
  systemd.tmpfiles.rules = [ "d /srv/metrics/grafana 0750 472 472 -" ];
  networking.firewall.allowedTCPPorts = [ 3000 ];
}
