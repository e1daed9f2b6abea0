// What the benchmark's programs in Go have in common: a line of JSON for an order, and one for what came of it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func serve[Order, Result any](run func(Order) Result) {
	orders := json.NewDecoder(os.Stdin)
	for {
		var order Order
		if err := orders.Decode(&order); err == io.EOF {
			return
		} else if err != nil {
			fail(err)
		}
		check(json.NewEncoder(os.Stdout).Encode(run(order)))
	}
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "benchmark:", err)
	os.Exit(1)
}
