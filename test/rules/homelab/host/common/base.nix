{ lib, pkgs, ... }:
{
  time.timeZone = "Europe/Berlin";
  services.openssh = {
    enable = true;
    settings.PasswordAuthentication = false;
  };
  services.chrony.enable = true;
  services.fstrim.enable = lib.mkDefault true;
  # Tried once; a host runs no containers.
  virtualisation.docker.enable = false;
  users.users.ada = {
    isNormalUser = true;
    hashedPasswordFile = "/etc/secrets/ada";
    openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdTNqnCmz8Eo6kLyaOIvgOgwjYNYdyLaaKVxgCCYA5o ada" ];
  };
  environment.systemPackages = [
    pkgs.postgresql # psql, to look into a guest's database
  ];
}
