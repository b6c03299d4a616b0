# The two commands of the README; everything else goes through CMake presets.
.PHONY: demo test

# Builds the release and shows the server at work on real embeddings.
demo:
	scripts/install_dependencies.sh build
	cmake --preset release
	cmake --build --preset release --target alidade
	scripts/demo.sh build/release/src/server/alidade

# Builds and runs every test.
test:
	scripts/install_dependencies.sh test
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev
