{
  time.timeZone = "UTC";
  sops.age = {
    keyFile = "/var/lib/sops-nix/key.txt";
    generateKey = true;
  };
  services.openssh.enable = true;
}
