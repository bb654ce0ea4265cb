{
  imports = [
    ../../common/base.nix
    ../../common/incus.nix
    ../../common/storage.nix
    ../../common/monitoring.nix
    ./hardware-configuration.nix
  ];

  # The cluster knows the member by it, for good.
  networking.hostName = "@member@";

  # The card with the cable; `networkctl` on the host lists them.
  systemd.network.networks."30-uplink".matchConfig.Name = "en*";

  # The release that it was installed with. It stays, whatever it is upgraded to.
  system.stateVersion = "@release@";
}
