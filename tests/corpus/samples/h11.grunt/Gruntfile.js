module.exports = function (grunt) {
  grunt.registerTask('default', 'Says hello.', function () {
    grunt.log.writeln('hello');
  });
};
