{
  virtualisation.oci-containers.containers.caddy = {
    image = "docker.io/library/caddy:2";
    volumes = [ "/srv/edge/caddy:/data" ];
  };
}
