# One pool of ZFS on every member, of the same name. It is made by hand, once: README.md.
{ config, ... }:
{
  boot.supportedFilesystems.zfs = true;
  boot.zfs = {
    extraPools = [ "@pool@" ];
    forceImportRoot = false;
  };

  # ZFS tells by it whose pool it is. Another one for each name, and the same again after an installation.
  networking.hostId = builtins.substring 0 8 (
    builtins.hashString "sha256" config.networking.hostName
  );

  services.zfs = {
    autoScrub = {
      enable = true;
      interval = "Sun 05:30";
    };
    trim.enable = true;
  };
}
