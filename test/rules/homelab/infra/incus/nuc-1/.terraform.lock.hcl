provider "registry.terraform.io/lxc/incus" {
  version     = "1.1.1"
  constraints = "~> 1.1"
  hashes = [
    "h1:gTbNyuZWjrPcE/8ZR3sNT2kCCnBFhTUdhHDYCbRGxlk=",
  ]
}
