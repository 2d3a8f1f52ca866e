class Hello { static function main() { trace("hello"); } }
