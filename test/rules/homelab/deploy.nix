{ self, inputs }:
let
  activate = inputs.deploy-rs.lib.x86_64-linux.activate.nixos;
  node = name: address: {
    hostname = address;
    profiles.system = {
      user = "root";
      path = activate self.nixosConfigurations.${name};
    };
  };
in
{
  nodes = {
    elitedesk-1 = node "elitedesk-1" "10.0.0.11";
    edge-vm = node "edge-vm" "10.0.0.21";
  };
}
