let () = List.iter print_endline ["hello"]
