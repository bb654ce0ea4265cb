# Incus, of one version on every member. There is no preseed: `runbook start cluster-bootstrap` forms the cluster once,
# and after that what is in it is declared in infra/incus.
{ pkgs, ... }:
{
  virtualisation.incus = {
    enable = true;
    package = pkgs.incus-lts;
  };

  # Members and Terraform. Who has no certificate that the cluster trusts, gets no further.
  networking.firewall.allowedTCPPorts = [ 8443 ];
}
