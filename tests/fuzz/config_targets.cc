#include "alidade/server/settings.h"

#include "input_file.h"
#include "targets.h"

namespace alidade::fuzz {
namespace {

Status Load(Settings& settings, std::string_view yaml) {
  return settings.LoadYaml(PutInput("alidade.yaml", yaml));
}

void FuzzYaml(std::string_view bytes) {
  Settings settings;
  if (const Status status = Load(settings, bytes); !status.ok()) {
    Require(status.code() == StatusCode::kInvalidArgument, "a refusal is INVALID_ARGUMENT");
    Require(!MessageOf(status).empty(), "a refusal says why");
    return;
  }
  Accepted();
  const auto config = settings.ToConfig();
  Require(config.ok() || config.status().code() == StatusCode::kInvalidArgument,
          "a refusal is INVALID_ARGUMENT");
  if (config.ok()) {
    Require(config->limits.k_max >= 1 && config->limits.payload_depth_max <= 60,
            "settings are within their bounds");
  }
  Require(!settings.Describe().empty(), "settings can be shown");
}

std::vector<std::string> YamlCorpus() {
  return {DefaultConfigFile(),
          "limits:\n  k_max: 7\n  message_bytes_max: 4MiB\nserver:\n  listen: \"[::1]:0\"\n",
          "server: {insecure_bind: true, listen: 0.0.0.0:6500}\nlog: {level: debug}\n",
          "background:\n"};
}

}  // namespace

std::vector<FuzzTarget> ConfigTargets() {
  return {{.name = "Yaml",
           .run = FuzzYaml,
           .corpus = YamlCorpus,
           .words = {": ",
                     "- ",
                     "\n  ",
                     "[",
                     "{",
                     "}",
                     "&a ",
                     "*a",
                     "|",
                     "\"",
                     "'",
                     "? ",
                     "!!int ",
                     "<<",
                     "#",
                     "%YAML",
                     "---\n",
                     "KiB",
                     "99999999999999999999",
                     "0x7f",
                     "\t"},
           .rounds = 600}};
}

}  // namespace alidade::fuzz
