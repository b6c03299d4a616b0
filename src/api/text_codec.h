// How text is analysed: message <-> domain type.
#pragma once

#include "alidade/v1/text.pb.h"

#include "alidade/common/status.h"
#include "alidade/text/analyzer.h"

#include "field_path.h"

namespace alidade {

// Checks what the configuration does not show any more; the rest is left to ValidateAnalyzer.
StatusOr<AnalyzerConfig> DecodeTextAnalyzer(const v1::TextAnalyzer& in, const FieldPath& path);
// What is as it is by default stays unset.
void EncodeTextAnalyzer(const AnalyzerConfig& in, v1::TextAnalyzer& out);

}  // namespace alidade
