#include "alidade/collection/payload_edit.h"

#include "alidade/collection/payload_selection.h"
#include "alidade/common/payload_codec.h"

namespace alidade {

StatusOr<std::string> EditPayload(std::string_view current, const PayloadEdit& edit) {
  Object edited;
  switch (edit.kind) {
    case PayloadEdit::Kind::kOverwrite:
      return edit.whole;
    case PayloadEdit::Kind::kMerge: {
      ALIDADE_ASSIGN_OR_RETURN(edited, DecodeObject(current));
      for (const auto& [key, value] : edit.merged) {
        edited.insert_or_assign(key, value);
      }
      break;
    }
    case PayloadEdit::Kind::kDeleteKeys: {
      ALIDADE_ASSIGN_OR_RETURN(
          edited, SelectPayload(current, {PayloadSelector::Mode::kExclude, edit.keys}));
      break;
    }
  }
  std::string encoded;
  EncodeObject(edited, encoded);
  return encoded;
}

}  // namespace alidade
