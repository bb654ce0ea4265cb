# As much of nixpkgs' lib as nixos/module.nix uses, so that it can be evaluated without nixpkgs: options with a type, a default
# and a description; mkIf and mkMerge; nothing else of a module system. What nixpkgs does otherwise is not seen by it.
rec {
  types =
    let
      type = name: check: { inherit name check; };
    in
    rec {
      bool = type "boolean" builtins.isBool;
      port = type "port" (value: builtins.isInt value && value >= 0 && value <= 65535);
      package = type "package" (value: value ? outPath);
      strMatching =
        pattern: type "string matching ${pattern}" (value: builtins.isString value && builtins.match pattern value != null);
      nullOr = of: type "null or ${of.name}" (value: value == null || of.check value);
      listOf = of: type "list of ${of.name}" (value: builtins.isList value && builtins.all of.check value);
    };
  mkOption = option: { _type = "option"; } // option;
  mkEnableOption =
    what:
    mkOption {
      type = types.bool;
      default = false;
      description = "Whether to enable ${what}.";
    };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  optionals = condition: list: if condition then list else [ ];
  optionalAttrs = condition: set: if condition then set else { };

  isOption = value: (value._type or null) == "option";
  # The values of a tree of options: what was set, or the default. Throws for what is no option, or of another type.
  valuesOf =
    path: options: set:
    let
      unknown = builtins.attrNames (builtins.removeAttrs set (builtins.attrNames options));
      valueOf =
        name: option:
        let
          here = "${path}.${name}";
          value = set.${name} or (option.default or (throw "${here} has no value"));
        in
        if !isOption option then
          valuesOf here option (set.${name} or { })
        else if option.type.check value then
          value
        else
          throw "${here} is no ${option.type.name}";
    in
    if unknown == [ ] then builtins.mapAttrs valueOf options else throw "${path} has no option ${toString unknown}";
  # Every option with its path.
  listed =
    path: options:
    builtins.concatLists (
      builtins.attrValues (
        builtins.mapAttrs (
          name: option:
          if isOption option then
            [
              {
                name = "${path}.${name}";
                inherit (option) default description;
              }
            ]
          else
            listed "${path}.${name}" option
        ) options
      )
    );
  merge =
    a: b:
    a
    // builtins.mapAttrs (
      name: value: if builtins.isAttrs value && builtins.isAttrs (a.${name} or null) then merge a.${name} value else value
    ) b;
  resolve =
    content:
    if (content._type or null) == "if" then
      (if content.condition then resolve content.content else { })
    else if (content._type or null) == "merge" then
      builtins.foldl' merge { } (map resolve content.contents)
    else
      content;

  # What a machine that sets `services.runbook` to this gets of the module.
  configOf =
    module: set:
    let
      package = name: { outPath = "/nix/store/${name}"; };
      names = [ "bash" "gnutar" "gzip" "nodejs" "openssh" "git" "nix" "deploy-rs" "util-linux" "temporal-cli" ];
      pkgs = builtins.listToAttrs (map (name: { inherit name; value = package name; }) names);
      evaluated = import module {
        inherit pkgs;
        lib = builtins.removeAttrs (import ./lib.nix) [ "configOf" ];
        config.services.runbook = valuesOf "services.runbook" evaluated.options.services.runbook set;
      };
    in
    {
      config = resolve evaluated.config;
      options = listed "services.runbook" evaluated.options.services.runbook;
    };
}
