resource "incus_storage_volume" "@short@-data" {
  name   = "@short@-data"
  pool   = "@pool@"
  target = local.member

  config = merge(local.snapshots, {
    "size" = "50GiB"
  })
}

resource "incus_instance" "@guest@" {
  name   = "@guest@"
  type   = "virtual-machine"
  image  = "nixos-guest"
  target = local.member

  config = merge(local.snapshots, {
    "boot.autostart"   = "true"
    "cluster.evacuate" = "stop"
    "limits.cpu"       = "2"
    "limits.memory"    = "4GiB"
    # NixOS's boot loader is not signed.
    "security.secureboot" = "false"

    # Only until the first deployment, which brings name and address itself.
    "cloud-init.user-data" = "#cloud-config\n${yamlencode({ hostname = "@guest@" })}"
    "cloud-init.network-config" = yamlencode({
      version = 2
      ethernets = {
        enp5s0 = {
          addresses   = ["@address@/@prefix@"]
          routes      = [{ to = "0.0.0.0/0", via = "@gateway@" }]
          nameservers = { addresses = @nameservers@ }
        }
      }
    })
  })

  device {
    name = "root"
    type = "disk"
    properties = {
      path = "/"
      pool = "@pool@"
      size = "20GiB"
    }
  }

  device {
    name = "data"
    type = "disk"
    properties = {
      path   = "/srv/@service@"
      pool   = "@pool@"
      source = incus_storage_volume.@short@-data.name
    }
  }

  device {
    name = "cloud-init"
    type = "disk"
    properties = {
      source = "cloud-init:config"
    }
  }
}
