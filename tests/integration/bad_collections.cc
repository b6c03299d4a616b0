// Rows of the table of bad input: collections, aliases and administration.
#include "integration/bad_input.h"

namespace alidade::testing {
namespace {

using Create = v1::CreateCollectionRequest;
using Update = v1::UpdateCollectionRequest;
using Aliases = v1::UpdateAliasesRequest;

constexpr char kGood[] = "vector_fields { name: 'v' dimension: 4 metric: METRIC_L2 } ";

// A collection named "fresh" with one good field and more.
Create Fresh(const std::string& more) {
  return Parse<Create>("collection { name: 'fresh' " + std::string(kGood) + more + " }");
}

// A collection named "fresh" with this field.
Create WithField(const std::string& field) {
  return Parse<Create>("collection { name: 'fresh' vector_fields { " + field + " } }");
}

Create WithIndex(const std::string& index) {
  return WithField("name: 'v' dimension: 4 metric: METRIC_COSINE index { " + index + " }");
}

Create Named(const std::string& name) {
  Create request = Fresh("");
  request.mutable_collection()->set_name(name);
  return request;
}

// A change of "c" of what the mask says.
Update Change(const std::string& collection, const std::string& mask) {
  return Parse<Update>("collection { name: 'c' " + collection + " } update_mask { " + mask + " }");
}

std::string Labels(int count) {
  std::string labels;
  for (int i = 0; i < count; ++i) {
    labels += fmt::format("labels {{ key: 'k{}' value: 'v' }} ", i);
  }
  return labels;
}

std::string Fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) {
    fields += fmt::format("vector_fields {{ name: 'f{}' dimension: 4 metric: METRIC_L2 }} ", i);
  }
  return fields;
}

std::vector<BadInput> BadSchemas() {
  const std::string field = "collection.vector_fields[0]";
  const std::string index = field + ".index";
  const std::string long_text(4'097, 'd');
  return {
      Invalid("no name", Named(""), "collection.name"),
      Invalid("a name of 129 bytes", Named(std::string(129, 'n')), "collection.name"),
      Invalid("a name that starts with a dash", Named("-x"), "collection.name"),
      Invalid("a name with a slash", Named("a/b"), "collection.name"),
      Invalid("a name with an umlaut", Named("f\xC3\xBCr"), "collection.name"),
      Invalid("a name of dots", Named(".."), "collection.name"),
      Invalid<Create>("no field", "collection { name: 'fresh' }", "collection.vector_fields"),
      Invalid("seventeen fields",
              Parse<Create>("collection { name: 'fresh' " + Fields(17) + "}"),
              "collection.vector_fields"),
      Invalid("a field twice", Fresh(kGood), "collection.vector_fields[1].name"),
      Invalid(
          "a field without a name", WithField("dimension: 4 metric: METRIC_L2"), field + ".name"),
      Invalid("a field name with a blank",
              WithField("name: 'a b' dimension: 4 metric: METRIC_L2"),
              field + ".name"),
      Invalid("dimension 0", WithField("name: 'v' metric: METRIC_L2"), field + ".dimension"),
      Invalid("dimension 65,537",
              WithField("name: 'v' dimension: 65537 metric: METRIC_L2"),
              field + ".dimension"),
      Invalid("a huge dimension",
              WithField("name: 'v' dimension: 4294967295 metric: METRIC_L2"),
              field + ".dimension"),
      Invalid("no metric", WithField("name: 'v' dimension: 4"), field + ".metric"),
      Invalid(
          "an unknown metric", WithField("name: 'v' dimension: 4 metric: 7"), field + ".metric"),
      Invalid("HNSW with one link", WithIndex("hnsw { m: 1 }"), index + ".hnsw.m"),
      Invalid("HNSW with 129 links", WithIndex("hnsw { m: 129 }"), index + ".hnsw.m"),
      Invalid("HNSW with a huge ef_construction",
              WithIndex("hnsw { ef_construction: 4097 }"),
              index + ".hnsw.ef_construction"),
      Invalid("HNSW with unknown codes", WithIndex("hnsw { codes: 9 }"), index + ".hnsw.codes"),
      Invalid("HNSW with codes that look like known ones in one byte",
              WithIndex("hnsw { codes: 261 }"),
              index + ".hnsw.codes"),
      Invalid("IVF with too many lists", WithIndex("ivf { nlist: 65537 }"), index + ".ivf.nlist"),
      Invalid("IVF with unknown codes", WithIndex("ivf { codes: 9 }"), index + ".ivf.codes"),
      Invalid("IVF with codes that look like known ones in one byte",
              WithIndex("ivf { codes: 258 }"),
              index + ".ivf.codes"),
      Invalid("IVF with codes that do not divide the dimension",
              WithIndex("ivf { codes: IVF_CODES_PQ pq_m: 3 }"),
              index + ".ivf.pq_m"),
      Invalid("IVF with more codes than dimensions",
              WithIndex("ivf { codes: IVF_CODES_PQ pq_m: 8 }"),
              index + ".ivf.pq_m"),
      Invalid("a long description",
              Fresh("description: '" + long_text + "'"),
              "collection.description"),
      Invalid("65 labels", Fresh(Labels(65)), "collection.labels"),
      Invalid("a label without a key",
              Fresh("labels { key: '' value: 'x' }"),
              "collection.labels[\"\"]"),
      Invalid("a label with a long value",
              Fresh("labels { key: 'k' value: '" + std::string(1'025, 'x') + "' }"),
              "collection.labels[\"k\"]"),
      Invalid("a huge default ef",
              Fresh("search_defaults { ef: 16385 }"),
              "collection.search_defaults.ef"),
      Invalid("a huge default nprobe",
              Fresh("search_defaults { nprobe: 65537 }"),
              "collection.search_defaults.nprobe"),
      Invalid("elements of a type that there is not",
              Fresh("vector_fields { name: 'w' dimension: 2 metric: METRIC_L2 storage_type: 9 }"),
              "collection.vector_fields[1].storage_type"),
      Invalid("a sparse field with the name of a vector field",
              Fresh("sparse_fields { name: 'v' }"),
              "collection.sparse_fields[0].name"),
      Invalid("a sparse field with a modifier that there is not",
              Fresh("sparse_fields { name: 's' modifier: 9 }"),
              "collection.sparse_fields[0].modifier"),
      Invalid("a payload index without a key",
              Fresh("payload_indexes { type: PAYLOAD_INDEX_TYPE_BOOL }"),
              "collection.payload_indexes[0].key"),
      Invalid("a payload index on a key of 257 bytes",
              Fresh("payload_indexes { key: '" + std::string(257, 'k') +
                    "' type: PAYLOAD_INDEX_TYPE_BOOL }"),
              "collection.payload_indexes[0].key"),
      Invalid("a payload index without a type",
              Fresh("payload_indexes { key: 'k' }"),
              "collection.payload_indexes[0].type"),
      Invalid("a payload index of a type that there is not",
              Fresh("payload_indexes { key: 'k' type: 99 }"),
              "collection.payload_indexes[0].type"),
      Invalid("a payload index given twice",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_GEO } "
                    "payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_GEO }"),
              "collection.payload_indexes[1]"),
      Invalid("two text indexes on one key",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT } payload_indexes { "
                    "key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT analyzer { language: 'english' } }"),
              "collection.payload_indexes[1]"),
      Invalid("a text index of an unknown language",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT analyzer { language: "
                    "'klingon' } }"),
              "collection.payload_indexes[0].analyzer.language"),
      Invalid("a text index with a stop word of two words",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT analyzer { "
                    "stop_words: 'a b' } }"),
              "collection.payload_indexes[0].analyzer.stop_words[0]"),
      Invalid("a text index with a negative k1",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT bm25 { k1: -1 } }"),
              "collection.payload_indexes[0].bm25.k1"),
      Invalid("a text index with b above 1",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_TEXT bm25 { b: 1.1 } }"),
              "collection.payload_indexes[0].bm25.b"),
      Invalid("a tenant key of fractions",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_FLOAT tenant: true }"),
              "collection.payload_indexes[0].tenant"),
      Invalid("two tenant keys",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_UUID tenant: true } "
                    "payload_indexes { key: 'l' type: PAYLOAD_INDEX_TYPE_KEYWORD tenant: true }"),
              "collection.payload_indexes[1].tenant"),
      Invalid("an index of numbers with an analyzer",
              Fresh("payload_indexes { key: 'k' type: PAYLOAD_INDEX_TYPE_FLOAT analyzer {} }"),
              "collection.payload_indexes[0].analyzer"),
      Malformed("a description that is not UTF-8",
                "/alidade.v1.CollectionService/CreateCollection",
                Fresh("description: 'marker'"),
                "marker",
                "\xFF\xFF\xFF\xFF\xFF\xFF"),
      Refused<Create>("a name that is taken",
                      "collection { name: 'c' vector_fields { name: 'v' dimension: 4 metric: "
                      "METRIC_COSINE } }",
                      grpc::StatusCode::ALREADY_EXISTS,
                      "COLLECTION_EXISTS"),
      Refused<Create>("a name that is taken by another schema, although an equal one would do",
                      "allow_existing: true collection { name: 'c' vector_fields { name: 'v' "
                      "dimension: 5 metric: METRIC_COSINE } }",
                      grpc::StatusCode::ALREADY_EXISTS,
                      "COLLECTION_EXISTS"),
      Refused<Create>("the name of an alias",
                      "allow_existing: true collection { name: 'other' vector_fields { name: 'v' "
                      "dimension: 4 metric: METRIC_COSINE } }",
                      grpc::StatusCode::ALREADY_EXISTS,
                      "COLLECTION_EXISTS"),
  };
}

std::vector<BadInput> BadChanges() {
  const std::string v = "vector_fields { name: 'v' ";
  return {
      Invalid<Update>("no mask", "collection { name: 'c' description: 'x' }", "update_mask"),
      Invalid("a mask of nothing known", Change("", "paths: 'nonsense'"), "update_mask"),
      Invalid("a mask with an empty path", Change("", "paths: ''"), "update_mask"),
      Invalid("a mask of the name", Change("", "paths: 'name'"), "update_mask"),
      Invalid("a mask of one label", Change("", "paths: 'labels.k'"), "update_mask"),
      Invalid("a good path and a bad one",
              Change("description: 'x'", "paths: 'description' paths: 'id'"),
              "update_mask"),
      Invalid("a change of a field that is not there",
              Change("vector_fields { name: 'w' index { flat {} } }", "paths: 'vector_fields'"),
              "collection.vector_fields[0].name"),
      Invalid("a change of the dimension",
              Change(v + "dimension: 5 index { flat {} } }", "paths: 'vector_fields'"),
              "collection.vector_fields[0]"),
      Invalid("a change of the metric",
              Change(v + "metric: METRIC_DOT index { flat {} } }", "paths: 'vector_fields'"),
              "collection.vector_fields[0]"),
      Invalid(
          "a field given twice",
          Change(v + "index { flat {} } } " + v + "index { hnsw {} } }", "paths: 'vector_fields'"),
          "collection.vector_fields[1].name"),
      Invalid("a bad index",
              Change(v + "index { hnsw { m: 500 } } }", "paths: 'vector_fields'"),
              "collection.vector_fields[0].index.hnsw.m"),
      Invalid("a good description and a bad default",
              Change("description: 'x' search_defaults { ef: 99999 }",
                     "paths: 'description' paths: 'search_defaults.ef'"),
              "collection.search_defaults.ef"),
      Invalid("65 labels in a change", Change(Labels(65), "paths: 'labels'"), "collection.labels"),
      Invalid<v1::CreatePayloadIndexRequest>("an index of no type",
                                             "collection: 'c' payload_index { key: 'k' }",
                                             "payload_index.type"),
      Invalid<v1::CreatePayloadIndexRequest>(
          "an index without a collection",
          "payload_index { key: 'k' type: PAYLOAD_INDEX_TYPE_GEO }",
          "collection"),
      Refused<v1::CreatePayloadIndexRequest>(
          "an index of a collection that is not there",
          "collection: 'nope' payload_index { key: 'k' type: PAYLOAD_INDEX_TYPE_GEO }",
          grpc::StatusCode::NOT_FOUND,
          "COLLECTION_NOT_FOUND"),
      Invalid<v1::DeletePayloadIndexRequest>("removal of an index without a key",
                                             "collection: 'c' payload_index { type: "
                                             "PAYLOAD_INDEX_TYPE_GEO }",
                                             "payload_index.key"),
      Refused<v1::DeletePayloadIndexRequest>(
          "removal of an index that is not there",
          "collection: 'c' payload_index { key: 'k' type: PAYLOAD_INDEX_TYPE_GEO }",
          grpc::StatusCode::NOT_FOUND,
          "PAYLOAD_INDEX_NOT_FOUND"),
      Refused<Update>("a change of a collection that is not there",
                      "collection { name: 'nope' } update_mask { paths: 'description' }",
                      grpc::StatusCode::NOT_FOUND,
                      "COLLECTION_NOT_FOUND"),
      Invalid<Update>(
          "a change of no collection", "update_mask { paths: 'description' }", "collection.name"),
      Refused<v1::DeleteCollectionRequest>("removal of a collection that is not there",
                                           "collection: 'nope'",
                                           grpc::StatusCode::NOT_FOUND,
                                           "COLLECTION_NOT_FOUND"),
      Refused<v1::DeleteCollectionRequest>("removal by an alias",
                                           "collection: 'other' allow_missing: true",
                                           grpc::StatusCode::FAILED_PRECONDITION,
                                           "FAILED_PRECONDITION"),
      Invalid<v1::DeleteCollectionRequest>("removal of nothing", "", "collection"),
      Refused<v1::GetCollectionRequest>("a collection that is not there",
                                        "collection: 'cc'",
                                        grpc::StatusCode::NOT_FOUND,
                                        "COLLECTION_NOT_FOUND"),
      Invalid<v1::GetCollectionRequest>("a description of nothing", "", "collection"),
  };
}

std::vector<BadInput> BadAliases() {
  return {
      Invalid<Aliases>("no action", "", "actions"),
      Invalid(
          "too many actions", Parse<Aliases>(Repeat("actions { remove: 'x' } ", 1'001)), "actions"),
      Invalid<Aliases>(
          "an action that does nothing", "actions { remove: 'x' } actions {}", "actions[1]"),
      Invalid<Aliases>(
          "an alias without a name", "actions { set { collection: 'c' } }", "actions[0].set.name"),
      Invalid<Aliases>("an alias with a bad name",
                       "actions { set { name: 'a b' collection: 'c' } }",
                       "actions[0].set.name"),
      Invalid<Aliases>(
          "an alias of nothing", "actions { set { name: 'x' } }", "actions[0].set.collection"),
      Invalid<Aliases>("removal of a bad name", "actions { remove: '' }", "actions[0].remove"),
      Refused<Aliases>("a good action and then an alias of a collection that is not there",
                       "actions { set { name: 'x' collection: 'two' } } actions { set { name: 'y' "
                       "collection: 'nope' } }",
                       grpc::StatusCode::NOT_FOUND,
                       "COLLECTION_NOT_FOUND"),
      Refused<Aliases>("an alias of an alias",
                       "actions { set { name: 'x' collection: 'other' } }",
                       grpc::StatusCode::NOT_FOUND,
                       "COLLECTION_NOT_FOUND"),
      Refused<Aliases>(
          "an alias with the name of a collection",
          "actions { remove: 'other' } actions { set { name: 'two' collection: 'c' } }",
          grpc::StatusCode::ALREADY_EXISTS,
          "ALREADY_EXISTS"),
      Invalid<v1::ListAliasesRequest>("aliases of a bad name", "collection: 'a b'", "collection"),
      Refused<v1::ListAliasesRequest>("aliases of a collection that is not there",
                                      "collection: 'nope'",
                                      grpc::StatusCode::NOT_FOUND,
                                      "COLLECTION_NOT_FOUND"),
  };
}

std::vector<BadInput> BadAdministration() {
  return {
      Refused<v1::FlushRequest>("a flush of a collection that is not there",
                                "collection: 'nope'",
                                grpc::StatusCode::NOT_FOUND,
                                "COLLECTION_NOT_FOUND"),
      Invalid<v1::FlushRequest>("a flush of a bad name", "collection: '_'", "collection"),
      Refused<v1::WaitIndexedRequest>("waiting for a collection that is not there",
                                      "collection: 'nope'",
                                      grpc::StatusCode::NOT_FOUND,
                                      "COLLECTION_NOT_FOUND"),
      Invalid<v1::WaitIndexedRequest>("waiting for nothing", "", "collection"),
      Invalid<v1::WaitIndexedRequest>(
          "a negative timeout", "collection: 'c' timeout { seconds: -1 }", "timeout"),
      Invalid<v1::WaitIndexedRequest>("a timeout with too many nanoseconds",
                                      "collection: 'c' timeout { nanos: 1000000000 }",
                                      "timeout"),
      Invalid<v1::WaitIndexedRequest>("a timeout of a million years",
                                      "collection: 'c' timeout { seconds: 315576000001 }",
                                      "timeout"),
      Refused<v1::GetCollectionStatsRequest>("statistics of a collection that is not there",
                                             "collection: 'nope'",
                                             grpc::StatusCode::NOT_FOUND,
                                             "COLLECTION_NOT_FOUND"),
      Invalid<v1::GetCollectionStatsRequest>("statistics of nothing", "", "collection"),
  };
}

}  // namespace

std::vector<BadInput> BadCollections() {
  std::vector<BadInput> all;
  for (auto&& part : {BadSchemas(), BadChanges(), BadAliases(), BadAdministration()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace alidade::testing
