// Type-checks what comes on standard input and what it imports from their sources: compiling gRPC would take much longer.
package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
)

func main() {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "block.go", os.Stdin, 0)
	if err == nil {
		config := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
		_, err = config.Check(file.Name.Name, files, []*ast.File{file}, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
