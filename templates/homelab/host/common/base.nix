# What every host is besides Incus and ZFS: a name, an address, a clock, and a way to log in. Nothing else belongs on a
# host; applications are in guests.
{ config, fleet, ... }:
let
  address = fleet.members.${config.networking.hostName};
  card = config.systemd.network.networks."30-uplink".matchConfig.Name or null;
in
{
  # With a pattern, or with none, the bridge would take cards that it is not to have.
  assertions = [
    {
      assertion = builtins.isString card && builtins.match "[a-z][A-Za-z0-9._-]*" card != null;
      message = ''
        host/nodes/${config.networking.hostName}/configuration.nix has to name the one network card with the cable at
        systemd.network.networks."30-uplink".matchConfig.Name, as "eno1". `ip -br link` on the host lists them.
      '';
    }
  ];

  boot.loader = {
    systemd-boot = {
      enable = true;
      configurationLimit = 20;
    };
    efi.canTouchEfiVariables = true;
  };

  time.timeZone = fleet.timeZone;

  networking = {
    useNetworkd = true;
    useDHCP = false;
    # Incus on NixOS wants it.
    nftables.enable = true;
  };

  # Host and guests share the network card by a bridge. Which card it is says configuration.nix of the host.
  systemd.network = {
    netdevs."20-br0".netdevConfig = {
      Name = "br0";
      Kind = "bridge";
    };
    networks = {
      "30-uplink" = {
        networkConfig.Bridge = "br0";
        linkConfig.RequiredForOnline = "enslaved";
      };
      "40-br0" = {
        matchConfig.Name = "br0";
        address = [ "${address}/${toString fleet.network.prefixLength}" ];
        gateway = [ fleet.network.gateway ];
        dns = fleet.network.nameservers;
        linkConfig.RequiredForOnline = "routable";
      };
    };
  };

  services.openssh = {
    enable = true;
    settings = {
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
      PermitRootLogin = "prohibit-password";
    };
  };
  users = {
    mutableUsers = false;
    users.root.openssh.authorizedKeys.keys = fleet.sshKeys;
  };

  nix = {
    settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    # Earlier generations are the way back from an upgrade: they stay for a month.
    gc = {
      automatic = true;
      dates = "Sun 06:30";
      options = "--delete-older-than 30d";
    };
  };
}
