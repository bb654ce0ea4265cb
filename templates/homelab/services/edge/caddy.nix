# What the household's network reaches. Whom it hands on to is in the Caddyfile.
{
  virtualisation.oci-containers.containers.caddy = {
    image = "docker.io/library/caddy:2";
    ports = [
      "80:80"
      "443:443"
    ];
    volumes = [
      "${./Caddyfile}:/etc/caddy/Caddyfile:ro"
      "/srv/edge/caddy:/data"
    ];
  };

  systemd.services.podman-caddy.unitConfig.RequiresMountsFor = "/srv/edge";
  systemd.tmpfiles.rules = [ "d /srv/edge/caddy 0750 root root -" ];
  networking.firewall.allowedTCPPorts = [
    80
    443
  ];
}
