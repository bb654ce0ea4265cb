{
  imports = [
    ../common.nix
    ../../services/edge/caddy.nix
  ];
  networking.hostName = "edge-vm";
  sops.defaultSopsFile = ../../secrets/edge.enc.yaml;
  sops.secrets."oauth2/cookie-secret" = { };
}
