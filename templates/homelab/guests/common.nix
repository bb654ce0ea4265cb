# What every guest is: a virtual machine of Incus with an address, a key of its own for its secrets, and Podman.
{
  config,
  fleet,
  modulesPath,
  pkgs,
  ...
}:
let
  address = fleet.guests.${config.networking.hostName};
  keyFile = "/var/lib/sops-nix/key.txt";
in
{
  imports = [ (modulesPath + "/virtualisation/incus-virtual-machine.nix") ];

  nixpkgs.hostPlatform = "x86_64-linux";

  time.timeZone = fleet.timeZone;

  # The image's boot partition has room for five kernels.
  boot.loader.systemd-boot.configurationLimit = 3;

  networking = {
    useNetworkd = true;
    useDHCP = false;
    nftables.enable = true;
  };
  # By its name before what cloud-init wrote at the first boot, which nothing removes: networkd takes the first that matches.
  systemd.network.networks."05-lan" = {
    matchConfig.Name = "enp5s0";
    address = [ "${address}/${toString fleet.network.prefixLength}" ];
    gateway = [ fleet.network.gateway ];
    dns = fleet.network.nameservers;
    linkConfig.RequiredForOnline = "routable";
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
    users.root = {
      # The module of Incus would leave it empty. A console is had by `incus exec`.
      hashedPassword = "!";
      openssh.authorizedKeys.keys = fleet.sshKeys;
    };
  };

  # The guest makes its key itself, and it never leaves the guest: scripts/guest-key.sh prints the public half.
  sops = {
    age = {
      inherit keyFile;
      generateKey = true;
      sshKeyPaths = [ ];
    };
    gnupg.sshKeyPaths = [ ];
  };
  # sops-nix makes it only where there is something to decrypt, and before that somebody has to encrypt to it.
  system.activationScripts.guest-key.text = ''
    if [ ! -e ${keyFile} ]; then
      (
        umask 077
        mkdir -p "$(dirname ${keyFile})"
        ${pkgs.age}/bin/age-keygen -o ${keyFile}
      )
    fi
  '';

  environment.systemPackages = [ pkgs.age ];

  virtualisation = {
    podman.enable = true;
    oci-containers.backend = "podman";
  };

  nix = {
    settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    gc = {
      automatic = true;
      dates = "Sun 06:30";
      options = "--delete-older-than 30d";
    };
  };
}
