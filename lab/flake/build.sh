# The builder of one node's system; its inputs are environment variables from flake.nix.
set -eu
mkdir -p $out/bin $out/etc/systemd/system $out/www/cgi-bin
ln -s $activateRs $out/activate-rs
cp $switchToConfiguration $out/bin/switch-to-configuration
cp $health $out/www/cgi-bin/health
chmod 755 $out/bin/switch-to-configuration $out/www/cgi-bin/health
printf '%s' "$version" >$out/nixos-version
ln -s $kernel $out/kernel
ln -s $initrd $out/initrd
ln -s $modules $out/kernel-modules
printf '#!/bin/sh\n%s\n' "$hook" >$out/hook
chmod 755 $out/hook
printf '%s\n' "$firewall" >$out/etc/firewall.nft
printf 'NODE=%s\nVERSION=%s\nAPP=%s\nHEALTHY=%s\n' "$node" "$version" "$app" "$healthy" >$out/etc/lab-app
cat >$out/etc/systemd/system/lab-app.service <<UNIT
[Unit]
Description=The node's own application, $app

[Service]
ExecStart=/usr/bin/busybox httpd -f -p 8080 -h $out/www
Environment=RELEASE=$out/etc/lab-app
UNIT
if [ "$type" = host ]; then
  ln -s $incus $out/incus
  mkdir -p $out/etc/systemd/system/incus.service.d
  cat >$out/etc/systemd/system/incus.service.d/version.conf <<UNIT
[Service]
ExecStart=
ExecStart=$incus/usr/libexec/incus/incusd --group incus-admin --logfile=/var/log/incus/incus.log
ExecStartPost=
ExecStartPost=$incus/usr/libexec/incus/incusd waitready --timeout=600
UNIT
fi
# As lib.activate.nixos of deploy-rs: a variable chooses the action.
cat >$out/deploy-rs-activate <<'SH'
#!/bin/sh
cd /tmp
action=switch
[ "${DRY_ACTIVATE:-0}" = 1 ] && action=dry-activate
[ "${BOOT:-0}" = 1 ] && action=boot
exec "$PROFILE/bin/switch-to-configuration" $action
SH
chmod 755 $out/deploy-rs-activate
