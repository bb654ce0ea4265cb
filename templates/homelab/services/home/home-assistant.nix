# An example of an application: its container keeps nothing, its data are on the guest's volume.
{
  virtualisation.oci-containers.containers.home-assistant = {
    image = "ghcr.io/home-assistant/home-assistant:stable";
    volumes = [ "/srv/home/home-assistant:/config" ];
    extraOptions = [ "--network=host" ];
  };

  systemd.services.podman-home-assistant.unitConfig.RequiresMountsFor = "/srv/home";
  systemd.tmpfiles.rules = [ "d /srv/home/home-assistant 0750 root root -" ];
  networking.firewall.allowedTCPPorts = [ 8123 ];
}
