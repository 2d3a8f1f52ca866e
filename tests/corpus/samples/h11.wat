(module
  (func $add (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (i32.add (local.get 1) (i32.add (i32.const 1) (i32.const 2))))))
