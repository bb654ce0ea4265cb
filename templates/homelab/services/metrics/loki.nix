# Loki keeps the journals that logs.nix fetches.
{
  virtualisation.oci-containers.containers.loki = {
    image = "docker.io/grafana/loki:3";
    cmd = [ "-config.file=/etc/loki/loki.yaml" ];
    volumes = [
      "${./loki.yaml}:/etc/loki/loki.yaml:ro"
      "/srv/metrics/loki:/loki"
    ];
    extraOptions = [ "--network=host" ];
  };

  systemd.services.podman-loki.unitConfig.RequiresMountsFor = "/srv/metrics";
  # The container's user.
  systemd.tmpfiles.rules = [ "d /srv/metrics/loki 0750 10001 10001 -" ];
}
