{
  imports = [
    ../common.nix
    ../../services/@service@
  ];

  networking.hostName = "@guest@";

  # The volume @short@-data. Incus calls the device data in infra/incus/@member@.
  fileSystems."/srv/@service@" = {
    device = "incus_data";
    fsType = "virtiofs";
    options = [ "nofail" ];
  };

  # Of this guest alone. It may be missing until the guest's key is in secrets/sops.yaml.
  sops.defaultSopsFile = ../../secrets/@short@.enc.yaml;

  system.stateVersion = "@release@";
}
