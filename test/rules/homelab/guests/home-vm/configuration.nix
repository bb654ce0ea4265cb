{ config, ... }:
{
  imports = [ ../common.nix ];
  networking.hostName = "home-vm";
  virtualisation.podman.enable = true;
  sops.secrets.postgres = {
    sopsFile = ../../secrets/home.enc.yaml;
  };
  services.postgresql.enable = true;
  services.restic.backups.home = {
    paths = [ "/srv/home" ];
    passwordFile = config.sops.secrets.postgres.path;
    timerConfig.OnCalendar = "02:30"; # UTC
  };
}
