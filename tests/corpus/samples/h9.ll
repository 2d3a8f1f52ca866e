define i32 @main() {
  %s = add i32 20, -20
  ret i32 %s
}
