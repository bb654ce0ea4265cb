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

  # The one card with the cable, by its name, as "eno1": `ip -br link` on the host lists them. A pattern as "en*" would bridge
  # every card, also those that are for something else. Until it is named, nothing can be built for this host.
  systemd.network.networks."30-uplink".matchConfig.Name = "REPLACE";

  # The release that it was installed with. It stays, whatever it is upgraded to.
  system.stateVersion = "@release@";
}
