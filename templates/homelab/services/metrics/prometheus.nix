# Prometheus asks every host; no host knows of it.
{
  fleet,
  lib,
  pkgs,
  ...
}:
let
  hosts = lib.mapAttrsToList (host: address: {
    targets = [ "${address}:9100" ];
    labels = { inherit host; };
  }) fleet.members;

  settings = {
    global.scrape_interval = "30s";
    rule_files = [ "/etc/prometheus/rules.yaml" ];
    scrape_configs = [
      {
        job_name = "hosts";
        static_configs = hosts;
      }
      {
        job_name = "prometheus";
        static_configs = [ { targets = [ "127.0.0.1:9090" ]; } ];
      }
    ];
  };
  settingsFile = (pkgs.formats.yaml { }).generate "prometheus.yaml" settings;
in
{
  virtualisation.oci-containers.containers.prometheus = {
    image = "docker.io/prom/prometheus:v3";
    cmd = [
      "--config.file=/etc/prometheus/prometheus.yaml"
      "--storage.tsdb.path=/prometheus"
      "--storage.tsdb.retention.time=90d"
      "--web.listen-address=127.0.0.1:9090"
    ];
    volumes = [
      "${settingsFile}:/etc/prometheus/prometheus.yaml:ro"
      "${./rules.yaml}:/etc/prometheus/rules.yaml:ro"
      "/srv/metrics/prometheus:/prometheus"
    ];
    extraOptions = [ "--network=host" ];
  };

  systemd.services.podman-prometheus.unitConfig.RequiresMountsFor = "/srv/metrics";
  # The container's user.
  systemd.tmpfiles.rules = [ "d /srv/metrics/prometheus 0750 65534 65534 -" ];
}
