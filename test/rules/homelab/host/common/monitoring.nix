{
  services.prometheus.exporters.node = {
    enable = true;
    openFirewall = true;
  };
  services.promtail = {
    enable = true;
    configuration.clients = [ { url = "http://10.0.0.22:3100/loki/api/v1/push"; } ];
  };
}
