object Hello { def main(args: Array[String]): Unit = println(List(1, 2).sum) }
