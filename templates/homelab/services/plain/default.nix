# The containers of @guest@, as services/edge has them. Data belong below /srv/@service@, which is the guest's volume.
#
#   virtualisation.oci-containers.containers.app = {
#     image = "docker.io/library/app:1";
#     volumes = [ "/srv/@service@/app:/data" ];
#   };
{ }
