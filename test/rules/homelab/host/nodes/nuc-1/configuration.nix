{
  imports = [
    ../../common/base.nix
    ../../common/incus.nix
    ../../common/storage.nix
    ../../common/monitoring.nix
    ./hardware-configuration.nix
  ];
  networking.hostName = "nuc-1";
  system.stateVersion = "26.05";
}
